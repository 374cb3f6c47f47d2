/** To the process that refreshes a model for bench/write-back. */
export type RefreshOrder =
  | { readonly kind: "copy" }
  | { readonly kind: "refresh" }
  | { readonly kind: "embed"; readonly seconds: number }
  | { readonly kind: "switch"; readonly times: number };

/** Its answer to each, in order. */
export type RefreshAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "copy"; readonly seconds: number }
  | {
      readonly kind: "refresh";
      /** Of the writing alone. */
      readonly writeSeconds: number;
      /** With the search for what is missing. */
      readonly photoSeconds: number;
      readonly productSeconds: number;
      readonly indexSeconds: number;
      readonly scan: string;
    }
  | { readonly kind: "embed"; readonly photos: number }
  | { readonly kind: "switch"; readonly promotions: number };

export interface RefreshSettings {
  readonly data: string;
  readonly databaseUrl: string;
  readonly modelId: number;
  readonly dims: number;
}
