import { useQuery } from "@apollo/client/react";
import { ProductListDocument } from "./generated";
import { ProductTile } from "./ProductTile";

/** A list page where every product shows three similar ones, in one request. */
export function ProductList() {
  const { data } = useQuery(ProductListDocument);
  return (
    <ul>
      {data?.products.nodes.map((product) => (
        <li key={product.id}>
          <ProductTile product={product} />
          {product.similarItems?.nodes.map((similar) => (
            <ProductTile key={similar.id} product={similar} />
          ))}
        </li>
      ))}
    </ul>
  );
}
