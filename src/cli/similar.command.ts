import { formatProductId } from "../catalog/products/product-id.js";
import { composeCore } from "../compose.js";
import { formatTable, say, writeAnswer } from "./answer.js";
import { type CommonOptions, openSettings } from "./settings.js";
import { writeResult } from "./write-result.js";

export interface SimilarOptions extends CommonOptions {
  readonly first: number;
  readonly sheet?: string;
  readonly anyCategory?: boolean;
  readonly includeGroup?: boolean;
}

/** Prints what looks like a product; with `--sheet` also draws it. */
export async function showSimilar(reference: string, options: SimilarOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const core = await composeCore(config, logger, "client");
  try {
    const page = await core.similar.toProduct(reference, {
      first: options.first,
      options: { sameCategory: !options.anyCategory, excludeSameGroup: !options.includeGroup },
    });
    const id = (await core.findProduct(reference))!;
    const products = await core.products.byIds([id, ...page.items.map(({ productId }) => productId)]);
    const model = await core.models.find(page.modelId);
    const query = products.get(id);
    const items = page.items.flatMap((item) => {
      const product = products.get(item.productId);
      return product ? [{ ...item, product }] : [];
    });
    if (options.sheet !== undefined) {
      const { drawContactSheet } = await import("./contact-sheet.js");
      const sheet = await drawContactSheet(core, { title: query?.title ?? reference, productId: id }, items);
      await writeResult(options.sheet, sheet);
      say(`Contact sheet: ${options.sheet}`);
    }
    const answer = {
      product: { id: formatProductId(id), title: query?.title ?? null },
      model: model?.name ?? null,
      status: page.status,
      items: items.map(({ product, score, distance, reason }) => ({
        id: formatProductId(product.id),
        source: product.source,
        externalId: product.externalId,
        title: product.title,
        score,
        distance,
        reason,
      })),
    };
    writeAnswer(answer, options.json, () => [
      `Products that look like ${answer.product.id} "${query?.title ?? reference}" (${answer.model}):`,
      ...(page.status === "PENDING" ? ["Its photos are not embedded yet: what follows is a fallback."] : []),
      ...formatTable(
        ["distance", "id", "title", "reason"],
        answer.items.map((item) => [item.distance.toFixed(3), item.id, item.title, item.reason.toLowerCase()]),
      ),
    ]);
  } finally {
    await core.close();
  }
}
