import type { ProductTileFragment } from "./generated";

export function ProductTile({ product }: { readonly product: ProductTileFragment }) {
  const [photo] = product.images;
  return (
    <a href={product.url ?? `/products/${product.externalId}`}>
      {photo && <img src={photo.url} width={photo.width ?? undefined} height={photo.height ?? undefined} alt="" />}
      <span>{product.title}</span>
      {product.price && (
        <span>
          {new Intl.NumberFormat(undefined, { style: "currency", currency: product.price.currency }).format(
            Number(product.price.amount),
          )}
        </span>
      )}
    </a>
  );
}
