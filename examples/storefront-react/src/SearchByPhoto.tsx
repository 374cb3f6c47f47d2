import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { useLazyQuery } from "@apollo/client/react";
import { SimilarToPictureDocument } from "./generated";
import { ProductTile } from "./ProductTile";

/** What a visitor reads when a picture cannot be used; the codes are in docs/graphql.md. */
function describe(error: unknown): string {
  const code = CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : undefined;
  if (code === "RATE_LIMITED") return "That was a lot of pictures. Please wait a minute.";
  if (typeof code === "string" && code.startsWith("PHOTO_")) return "This file is not a picture that can be read.";
  return "The search does not work at the moment.";
}

/** A search by a visitor's photo, made smaller in the browser: 640 pixels are enough, and the request stays short. */
export function SearchByPhoto() {
  const [search, { data, error, loading }] = useLazyQuery(SimilarToPictureDocument);
  const choose = async (file: File | undefined): Promise<void> => {
    if (file) await search({ variables: { dataUri: await toDataUri(file) } });
  };
  return (
    <section>
      <input type="file" accept="image/*" onChange={(event) => void choose(event.target.files?.[0])} />
      {loading && <p>Searching …</p>}
      {error && <p role="alert">{describe(error)}</p>}
      {data?.similarItemsByImage.nodes.map((product) => (
        <ProductTile key={product.id} product={product} />
      ))}
    </section>
  );
}

async function toDataUri(file: File): Promise<string> {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, 640 / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85);
}
