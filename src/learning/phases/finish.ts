import { averageFlips, describeModel } from "../export/index.js";
import type { LearningResult, ValidationFigures } from "../learning.type.js";
import { everyNth } from "../plan/every-nth.js";
import { joinWithWhitenedBase } from "../whitening/index.js";
import type { BaseFeatures, ReadablePhotos } from "./base-features.js";
import { reportDistances } from "./describe-base.js";
import { encodeAll, rowsAt } from "./encode.js";
import type { PhaseResult } from "./phase.type.js";
import type { Learning } from "./phase-of-run.js";
import { validate } from "./validation.js";

/** Photos whose distances are described. */
const DESCRIBED = 20_000;

/** The best weights as a model: joined with the whitened base or averaged over mirrored photos where the recipe says so. */
export async function finish(
  learning: Learning,
  readable: ReadablePhotos,
  { trainer, position }: PhaseResult,
  features: BaseFeatures | undefined,
): Promise<Pick<LearningResult, "model" | "dims" | "validation">> {
  const { input, chosen, listener, material, run, signal } = learning;
  const { recipe, workshop } = chosen;
  await listener.progress({ stage: "export", done: 0, total: 1, secondsLeft: null });
  const embed = (places: Int32Array) =>
    encodeAll({
      source: run.source,
      places,
      batch: workshop.batch,
      dims: trainer.dims,
      run: (boundary) => trainer.embed({ boundary }, "averaged"),
      signal,
    });
  const positions = features?.train ?? everyNth(readable.train, DESCRIBED);
  const labels = positions.map((at) => material.trainLabels[at]!);
  const tuned = await embed(positions.map((at) => material.train[at]!));
  let model = await trainer.export("averaged");
  let validation: ValidationFigures | undefined = position.best ?? undefined;
  let { dims } = trainer;
  if (recipe.tunedShare !== undefined && recipe.tunedShare < 1 && features) {
    const { rows } = features;
    const { data: vectors, count, dims: width } = rowsAt(rows, [...positions.keys()]);
    const encoder = { graph: chosen.graph, image: workshop.image };
    const options = { seed: input.request.seed, signal };
    const whitening = { encoder, features: recipe.head.features, vectors, count, width, options };
    const own = { model, vectors: tuned.data, dims: trainer.dims };
    const result = await joinWithWhitenedBase(own, recipe.tunedShare, whitening);
    model = result.model;
    dims = result.dims;
    const joined = async (mine: typeof tuned, base: typeof rows) => ({
      data: await result.vectorsOf(mine.data, base.data),
      count: mine.count,
      dims: result.dims,
    });
    const queries = Array.from({ length: rows.count - count }, (_, index) => count + index);
    const gallery = await joined(tuned, { data: vectors, count, dims: width });
    await reportDistances("after", gallery, labels, learning);
    if (queries.length > 0) {
      const asked = await joined(await embed(readable.validation.places), rowsAt(rows, queries));
      validation = await validate(
        { vectors: asked, labels: readable.validation.labels },
        { vectors: gallery, labels },
        signal,
      );
    }
  } else {
    await reportDistances("after", tuned, labels, learning);
  }
  const base = input.encoder.manifest;
  if (recipe.flipAveraging) model = averageFlips(model, base.preprocessing);
  model = describeModel(model, { recipe: recipe.name, base });
  await listener.progress({ stage: "export", done: 1, total: 1, secondsLeft: 0 });
  return { model, dims, validation };
}
