import { useQuery } from "@apollo/client/react";
import { SimilarToCartDocument } from "./generated";
import { ProductTile } from "./ProductTile";

/** @param productIds what is in the cart, by the platform's ids */
export function CartSuggestions({ productIds }: { readonly productIds: string[] }) {
  const { data } = useQuery(SimilarToCartDocument, { variables: { productIds }, skip: productIds.length === 0 });
  return data?.similarItemsTo.nodes.map((product) => <ProductTile key={product.id} product={product} />) ?? null;
}
