import type { FastifyInstance } from "fastify";
import type { BlobStore } from "../catalog/photos/blob-store.type.js";
import { parseImageId } from "../catalog/products/product-id.js";
import type { ProductReads } from "../catalog/products/product-reads.type.js";
import { messageOf } from "../errors.js";
import { matchesTag } from "./access/entity-tag.js";

/** Formats that every browser shows; anything else is offered as a download. */
const SHOWN = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]);

/** /photos/img_7: the server's own copy of a published product's photo, as photos read from disk have no other address. */
export function addPhotoRoute(
  fastify: FastifyInstance,
  { products, blobs }: { readonly products: ProductReads; readonly blobs: Pick<BlobStore, "read"> },
): void {
  fastify.get<{ Params: { id: string } }>("/photos/:id", async (request, reply) => {
    const id = parseImageId(request.params.id);
    const image = id === undefined ? undefined : (await products.imagesByIds([id])).get(id);
    const product = image && (await products.byIds([image.productId])).get(image.productId);
    if (!image?.contentHash || !image.mime || product?.status !== "ACTIVE") return reply.callNotFound();
    const etag = `"${image.contentHash}"`;
    reply
      .header("etag", etag)
      .header("cache-control", "public, max-age=3600")
      .header("cross-origin-resource-policy", "cross-origin");
    if (matchesTag(request.headers["if-none-match"], etag)) return reply.code(304).send();
    if (!SHOWN.has(image.mime)) reply.header("content-disposition", "attachment");
    const bytes = await blobs.read(image.contentHash).catch((error: unknown) => {
      request.log.error({ reason: messageOf(error), image: request.params.id }, "a photo cannot be read");
      return undefined;
    });
    if (bytes === undefined) return reply.removeHeader("etag").removeHeader("cache-control").callNotFound();
    return reply.type(image.mime).send(bytes);
  });
}
