import type { EmbedPicture } from "../similar/embed-picture.js";
import type { SimilarItems, SimilarItemsPage, SimilarItemsRequest } from "../similar/similar-items.type.js";
import { ModelVectorsGone } from "../vectors/vectors.errors.js";
import type { Assignment } from "./experiment.type.js";
import type { AssignVisitor } from "./running-experiments.js";

/**
 * `SimilarItems` answered by the model of the visitor's variant. It stands before the cache, which knows answers by their
 * model and not by their visitor. A model that an administrator names, and that of a cursor, go first: pages of one list
 * are of one model, and are attributed to the experiment only as long as that is the visitor's.
 */
export function createExperimentedSimilarItems(similar: SimilarItems, assignVisitor: AssignVisitor): SimilarItems {
  async function answering<T>(
    { visitor, ...request }: SimilarItemsRequest,
    ask: (request: SimilarItemsRequest) => Promise<T>,
    label: (answer: T, assignment: Assignment) => T,
  ): Promise<T> {
    const isNamed = request.options?.modelId !== undefined;
    const assignment = visitor === undefined || isNamed ? undefined : await assignVisitor(visitor);
    if (assignment === undefined) return ask(request);
    try {
      const options = { ...request.options, modelId: assignment.modelId };
      return label(await ask({ ...request, options }), assignment);
    } catch (error) {
      // It was stopped a moment ago, and its model deleted at once.
      if (error instanceof ModelVectorsGone) return ask(request);
      throw error;
    }
  }

  return {
    toProduct: (product, request) => answering(request, (asked) => similar.toProduct(product, asked), attribute),
    toProducts: (productIds, request) =>
      answering(
        request,
        (asked) => similar.toProducts(productIds, asked),
        (pages, assignment) => new Map([...pages].map(([id, page]) => [id, attribute(page, assignment)])),
      ),
    toSeveral: (several, request) => answering(request, (asked) => similar.toSeveral(several, asked), attribute),
    // The model was chosen when the picture was embedded.
    async toPicture(picture, { visitor, ...request }) {
      const page = await similar.toPicture(picture, request);
      const isNamed = request.options?.modelId !== undefined;
      const assignment = visitor === undefined || isNamed ? undefined : await assignVisitor(visitor);
      return assignment === undefined ? page : attribute(page, assignment);
    },
  };
}

/** Embeds with the model of the visitor's variant, unless a model is named or the page is one of a cursor. */
export function createExperimentedEmbedPicture(embedPicture: EmbedPicture, assignVisitor: AssignVisitor): EmbedPicture {
  return async (picture, { visitor, ...search }) => {
    if (visitor === undefined || search.modelId !== undefined || search.after !== undefined) {
      return embedPicture(picture, search);
    }
    const assignment = await assignVisitor(visitor);
    return embedPicture(picture, { ...search, ...(assignment === undefined ? {} : { modelId: assignment.modelId }) });
  };
}

/** A page of another model is not the variant's. */
function attribute(page: SimilarItemsPage, { experimentId, variant, modelId }: Assignment): SimilarItemsPage {
  return page.modelId === modelId ? { ...page, experiment: { experimentId, variant } } : page;
}
