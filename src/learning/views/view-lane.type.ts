import type { ViewRows } from "./view.type.js";

export type ViewLaneReply =
  | { readonly id: number; readonly rows: ViewRows }
  | { readonly id: number; readonly failure: string; readonly unreadable: boolean };
