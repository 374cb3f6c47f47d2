import { type AddOptions, addEncoder, createEncoderRegistry, pullEncoder } from "../encoders/index.js";
import { formatTable, say, writeAnswer } from "./answer.js";
import { startProgress } from "./progress.js";
import { type CommonOptions, openSettings } from "./settings.js";

export async function listEncoders(options: CommonOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const encoders = await createEncoderRegistry({ config, logger }).list();
  const rows = encoders.map((encoder) => {
    const { name, description, licence, origin } = encoder.manifest;
    return { name, description, licence, origin, installed: !("installed" in encoder), base: name === config.encoder };
  });
  writeAnswer(rows, options.json, () =>
    formatTable(
      ["name", "installed", "licence", "description"],
      rows.map(({ name, installed, licence, description }) => [name, installed ? "yes" : "no", licence, description]),
    ),
  );
}

export async function pull(name: string, options: CommonOptions & { readonly lock?: string }): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("Interrupted. What was downloaded is kept: pull again to go on.")));
  const progress = startProgress(`pulling ${name}`, "kB");
  try {
    const pulled = await pullEncoder(name, {
      config,
      logger,
      signal: stop.signal,
      ...(options.lock === undefined ? {} : { lockFile: options.lock }),
      progress: ({ received, total }) =>
        progress.update(Math.round(received / 1000), total === undefined ? undefined : Math.round(total / 1000)),
    });
    progress.stop();
    const { manifest, modelPath, digest, present } = pulled;
    writeAnswer({ name: manifest.name, dims: manifest.dims, modelPath, digest, present }, options.json, () => [
      `${manifest.name} ${present ? "was there already" : "is installed"}: ${modelPath}`,
      `Use it with LOOKALIKE_ENCODER=${manifest.name}.`,
    ]);
  } finally {
    progress.stop();
  }
}

/** What the command line says takes the place of a guess; the names are those of the options. */
export async function add(file: string, options: CommonOptions & AddOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const added = await addEncoder(file, { config, logger }, options);
  for (const guess of added.guesses) say(`Guessed: ${guess}`);
  const { manifest, modelPath, digest, trial, guesses } = added;
  writeAnswer({ manifest, modelPath, digest, trial, guesses }, options.json, () => [
    `${manifest.name} is installed: ${manifest.dims} dimensions, ${modelPath}`,
    `Look through its manifest.json, then use it with LOOKALIKE_ENCODER=${manifest.name}.`,
  ]);
}
