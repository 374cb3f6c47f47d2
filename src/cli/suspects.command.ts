import { formatImageId, formatProductId } from "../catalog/products/product-id.js";
import { readSuspects } from "../learning/runs/run-records.reads.js";
import { formatTable, writeAnswer } from "./answer.js";
import { describeAccuracy } from "./describe-run.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

/** Lists the photos that a run suspects of a wrong label, so that somebody can look at them in the shop. */
export async function showSuspects(
  reference: string,
  options: CommonOptions & { readonly first: number },
): Promise<void> {
  await withCore(options, async (core) => {
    const run = await core.training.resolve(reference);
    const suspects = await readSuspects(core.database, run.id, options.first);
    const products = await core.products.byIds(suspects.map(({ productId }) => productId));
    const rows = suspects.map(({ imageId, productId, label, suggested, agreement }) => {
      const product = products.get(productId);
      return {
        image: formatImageId(imageId),
        product: formatProductId(productId),
        source: product?.source ?? null,
        externalId: product?.externalId ?? null,
        title: product?.title ?? null,
        ...{ label, suggested, agreement },
      };
    });
    const { suspectAccuracy: accuracy } = run;
    writeAnswer({ run: run.id, ...(accuracy ? { accuracy } : {}), suspects: rows }, options.json, () => [
      ...(accuracy ? [describeAccuracy(accuracy)] : []),
      ...(rows.length === 0
        ? [`Run ${run.id} suspects no label.`]
        : formatTable(
            ["product", "title", "label", "looks like", "agreement"],
            rows.map(({ product, title, label, suggested, agreement }) => [
              product,
              (title ?? "").slice(0, 40),
              label,
              suggested,
              agreement.toFixed(2),
            ]),
          )),
    ]);
  });
}
