/** To the process that refreshes a model for bench/write-back. */
export type RefreshOrder =
  | { readonly kind: "compare"; readonly times: number }
  | { readonly kind: "refresh" }
  | { readonly kind: "embed"; readonly seconds: number }
  | { readonly kind: "switch"; readonly times: number };

/** Its answer to each, in order. */
export type RefreshAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "compare"; readonly copySeconds: readonly number[]; readonly writeSeconds: readonly number[] }
  | {
      readonly kind: "refresh";
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
