import { ArrayMaxSize } from "class-validator";
import { Args, ArgsType, Authorized, Ctx, Field, ID, Query, Resolver } from "type-graphql";
import { parseProductId } from "../catalog/products/product-id.js";
import { showProduct } from "../catalog/products/show-product.js";
import { BadUserInput } from "../errors.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import type { ComparedNeighbour, CompareModels } from "./compare-models.js";
import { type ComparedItemObject, ModelComparisonObject } from "./model-history.object.js";
import { parseModelId } from "./model-version.object.js";

@ArgsType()
class CompareModelsArgs {
  @Field(() => ID)
  a!: string;

  @Field(() => ID)
  b!: string;

  @Field(() => [ID], { description: "Ours (prod_42), 50 at most." })
  @ArrayMaxSize(50)
  productIds!: string[];
}

@Resolver()
export class CompareModelsResolver {
  constructor(private readonly compare: CompareModels) {}

  @Authorized("ADMIN")
  @Query(() => [ModelComparisonObject], {
    description: "What two models show beside products, side by side. Products without a vector are left out.",
  })
  async compareModels(
    @Args(() => CompareModelsArgs) { a, b, productIds }: CompareModelsArgs,
    @Ctx() context: GraphqlContext,
  ): Promise<ModelComparisonObject[]> {
    const products = productIds.map((id, place) => {
      const found = parseProductId(id);
      if (found === undefined) throw new BadUserInput("Our ids look like prod_42.", ["productIds", String(place)]);
      return found;
    });
    const compared = await this.compare(modelId(a, "a"), modelId(b, "b"), products);
    const shown = await Promise.all(
      compared.map(async ({ productId, a: listA, b: listB, shared }): Promise<ModelComparisonObject[]> => {
        const row = await context.loaders.product.load(productId);
        if (!row) return [];
        const [itemsA, itemsB] = [await showItems(listA, context), await showItems(listB, context)];
        return [{ product: showProduct(row), a: itemsA, b: itemsB, shared }];
      }),
    );
    return shown.flat();
  }
}

/** A product deleted between the search and this read is left out. */
async function showItems(
  items: readonly ComparedNeighbour[],
  { loaders }: GraphqlContext,
): Promise<ComparedItemObject[]> {
  const rows = await Promise.all(items.map(({ productId }) => loaders.product.load(productId)));
  return items.flatMap(({ distance, position, otherPosition }, place) => {
    const row = rows[place];
    return row ? [{ product: showProduct(row), distance, position, otherPosition: otherPosition ?? null }] : [];
  });
}

function modelId(text: string, field: string): number {
  const id = parseModelId(text);
  if (id === undefined) throw new BadUserInput("It must be a model version's id.", [field]);
  return id;
}
