import { useQuery } from "@apollo/client/react";
import { SimilarItemsDocument, type SimilarItemsFilter } from "./generated";
import { ProductTile } from "./ProductTile";

interface Props {
  /** The platform's id of the product. */
  readonly productId: string;
  readonly filter?: SimilarItemsFilter;
}

/** The shelf of a product page. Without an answer there is no shelf, and the page stands. */
export function SimilarItems({ productId, filter = { inStock: true } }: Props) {
  const { data, error, fetchMore } = useQuery(SimilarItemsDocument, { variables: { productId, filter } });
  if (error || !data || data.similarItems.edges.length === 0) return null;
  const { edges, pageInfo } = data.similarItems;
  const looksAlike = edges.some(({ reason }) => reason === "VISUAL");
  return (
    <section aria-label="Similar products">
      <h2>{looksAlike ? "Similar products" : "Also in this category"}</h2>
      <ul>
        {edges.map(({ node }) => (
          <li key={node.id}>
            <ProductTile product={node} />
          </li>
        ))}
      </ul>
      {pageInfo.hasNextPage && (
        <button type="button" onClick={() => fetchMore({ variables: { after: pageInfo.endCursor } })}>
          More
        </button>
      )}
    </section>
  );
}
