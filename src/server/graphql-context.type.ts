import type DataLoader from "dataloader";
import type { ProductImageRow, ProductRow } from "../catalog/products/product-reads.type.js";
import type { ProgressSource } from "../catalog/progress/progress.type.js";
import type { TrainingProgressSource } from "../learning/runs/training-progress.js";
import type { ModelVersion } from "../models/model-version.type.js";
import type { SimilarItemsPage, SimilarItemsRequest } from "../similar/similar-items.type.js";
import type { Viewer } from "../viewer.js";
import type { Caching } from "./access/caching.js";
import type { AnsweredOperation } from "./operate/operation.type.js";

export type { Viewer } from "../viewer.js";

/** Reads gathered over one request, so that a list of twenty products is one statement and not twenty. */
export interface GraphqlLoaders {
  readonly product: DataLoader<bigint, ProductRow | undefined>;
  readonly imagesOfProduct: DataLoader<bigint, ProductImageRow[]>;
  readonly image: DataLoader<bigint, ProductImageRow | undefined>;
  readonly model: DataLoader<number, ModelVersion | undefined>;
  /** A published product by what another server calls it. */
  readonly productReference: DataLoader<string, bigint | undefined>;
  readonly similarItems: DataLoader<SimilarItemsOfProduct, SimilarItemsPage, string>;
}

export interface SimilarItemsOfProduct {
  readonly productId: bigint;
  readonly request: SimilarItemsRequest;
}

/** What every resolver gets beside its arguments. */
export interface GraphqlContext {
  readonly requestId: string;
  readonly viewer: Viewer;
  /** Key of the visitor that the request was sent with, by which experiments choose. */
  readonly visitor?: string;
  readonly loaders: GraphqlLoaders;
  readonly progress: ProgressSource;
  readonly training: TrainingProgressSource;
  /** Fires when nobody waits for the answer any more, for what takes long. */
  readonly signal: AbortSignal;
  /** Whether the answer may be kept; absent where nobody asks. */
  readonly caching?: Caching;
  /** Counts searches by picture against whoever asks; absent where nothing is counted. @throws RateLimited */
  readonly countPictures?: (count: number) => Promise<void>;
  /** Told what was answered; absent where nobody watches. */
  readonly noteOperation?: (operation: AnsweredOperation) => void;
}
