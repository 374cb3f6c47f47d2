import { isContentFailure } from "../../embedding/photo-failures.js";
import type { BoundaryValues } from "../views/view-source.type.js";
import { everyNth } from "./every-nth.js";
import type { LearningMaterial } from "./material.js";
import type { Workshop } from "./open-workshop.js";

/** What the work of a run takes on this machine, in seconds. */
export interface Pace {
  /** One view of one photo, all lanes at work. */
  readonly view: number;
  readonly step: number;
  /** Vector of one photo whose frozen part is known. */
  readonly embedding: number;
}

const PHOTOS = 24;
const WARM_UP = 4;
const VIEWS = [0, 1];

/**
 * Times a few photos and two steps. Weights stay as they were.
 */
export async function measurePace(workshop: Workshop, material: LearningMaterial): Promise<Pace> {
  const { lanes, trainers, values, batch } = workshop;
  const [trainer] = trainers;
  const before = await trainer.state();
  const places = everyNth(material.train, PHOTOS + WARM_UP);
  const rows: (Float32Array | Uint16Array)[] = [];
  const prepare = async (place: number) => {
    try {
      rows.push(await lanes.prepare({ photo: await workshop.readPhoto(place), seed: place, views: VIEWS }));
    } catch (error) {
      if (!isContentFailure(error)) throw error;
    }
  };
  await Promise.all([...places.subarray(0, WARM_UP)].map(prepare));
  const photosStarted = performance.now();
  await Promise.all([...places.subarray(WARM_UP)].map(prepare));
  const photosTook = performance.now() - photosStarted;

  // Numbers of no meaning do for a timing: nothing here depends on what they are.
  const random = (length: number) => Float32Array.from({ length }, (_, at) => ((at * 7919) % 97) / 97);
  const boundary: BoundaryValues = Object.fromEntries(
    values.map(({ name, length }) => [name, random(batch * length)] as const),
  );
  const labels = Int32Array.from({ length: batch }, (_, at) => at >> 1);
  const step = () => trainer.step({ boundary }, labels, { rateShare: 0 });
  await step();
  const stepsStarted = performance.now();
  await step();
  await step();
  const stepTook = (performance.now() - stepsStarted) / 2;
  await trainer.embed({ boundary });
  const embeddingStarted = performance.now();
  await trainer.embed({ boundary });
  const embeddingTook = performance.now() - embeddingStarted;
  await trainer.restore(before);
  const timed = Math.max(1, places.length - WARM_UP);
  return {
    view: photosTook / 1000 / (timed * VIEWS.length),
    step: stepTook / 1000,
    embedding: embeddingTook / 1000 / batch,
  };
}
