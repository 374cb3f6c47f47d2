import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { packageRoot } from "../database/package-root.js";
import { number, threeNumbers, wholeNumber } from "./argument-readers.js";
import { command } from "./command.js";
import { describeFailure } from "./failure.js";
import { labelNames } from "./label-names.js";
import { addExperiments, addRules } from "./merchandising-commands.js";

/**
 * Runs one command line. Commands are loaded when they run, so that `--help` and `--version` come at once.
 * @param argv as node has it, program first
 * @returns the exit code
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(argv as string[]);
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    // commander has written its own line already.
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(`lookalike: ${describeFailure(error)}\n`);
    return 1;
  }
}

export function buildProgram(): Command {
  const program = new Command("lookalike")
    .description("Similar products over GraphQL that learn a shop's own notion of similar.")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(--help shows what is possible)")
    .addHelpText("after", "\nSettings come from the environment and lookalike.config.json: docs/configuration.md.");
  addServices(program);
  addCatalog(program);
  addQuestions(program);
  addRules(program);
  addExperiments(program);
  addTraining(program);
  addEncoders(program);
  return program;
}

function addServices(program: Command): void {
  command(program, "serve", "serve GraphQL, with a worker beside it; without DATABASE_URL the database is embedded")
    .option("--host <host>", "address to listen on (LOOKALIKE_HOST)")
    .option("--port <port>", "port to listen on, 0 for any (LOOKALIKE_PORT)", wholeNumber(0, 65_535))
    .option("--subgraph", "serve a Federation 2 subgraph at /subgraph too (LOOKALIKE_SUBGRAPH)")
    .option("--no-worker", "answer only; `lookalike worker` does the work")
    .action(async (options) => (await import("./serve.command.js")).serve(options));
  command(program, "worker", "take jobs: read feeds, fetch and embed photos").action(async (options) =>
    (await import("./worker.command.js")).work(options),
  );
  command(program, "demo", "draw a catalog, import and embed it, ask one question, train for a minute and keep serving")
    .option("--no-train", "only import, embed and ask")
    .option("--once", "end after the answer")
    .option("--port <port>", "port to listen on, 0 for any", wholeNumber(0, 65_535))
    .action(async (options) => (await import("../demo/demo.js")).runDemo(options));
  program
    .command("bench")
    .description("measure this machine: bench NAME --json")
    .argument("[name]", "which benchmark; left out: lists them")
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .exitOverride()
    .action(async (_name, _options, self: Command) => (await import("./bench.command.js")).bench(self.args));
}

function addCatalog(program: Command): void {
  command(program, "import <location>", "import products from a folder, a file or an http(s) address")
    .option("--source <name>", "name of the shop or feed that owns the products; left out: made of the location")
    .addOption(
      new Option("--format <format>", "left out: told from name and content").choices([
        "folder",
        "csv",
        "tsv",
        "jsonl",
        "merchant",
      ]),
    )
    .addOption(new Option("--product-from <what>", "folder import: what is one product").choices(["image", "folder"]))
    .option("--map <file>", "JSON file that renames columns")
    .option("--snapshot", "the feed is complete: products of the source that it does not name are deleted")
    .option("--allow-mass-delete", "let a snapshot delete more than a fifth of the source's products")
    .option("--errors <file>", "write rows that were left out to this file, a JSON object a line")
    .option("--dry-run", "only count what would happen")
    .option("--wait", "wait until every photo is embedded; works without a running server too")
    .option("--json", "print the summary as JSON")
    .action(async (location, options) => (await import("./import.command.js")).importFeed(location, options));
  const catalog = program.command("catalog").description("what the catalog holds").exitOverride();
  command(catalog, "health", "how complete the catalog and its vectors are")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./catalog-health.command.js")).showHealth(options));
}

function addQuestions(program: Command): void {
  command(program, "similar <product>", "show products that look like one (prod_42, or the id its source gave it)")
    .option("--first <n>", "how many, 1 to 100", wholeNumber(1, 100), 12)
    .option("--sheet <file>", "also write a contact sheet with distances, as PNG")
    .option("--any-category", "look beyond the product's own category")
    .option("--include-group", "show variants of the product too")
    .option("--json", "print JSON")
    .action(async (product, options) => (await import("./similar.command.js")).showSimilar(product, options));
  command(program, "evaluate", "measure how well products of one label find each other")
    .option("--model <model>", "active, base, or a model's id", "active")
    .option("--labels <labels>", "category, group, product, or attribute:NAME", "category")
    .addOption(new Option("--split <split>", "which products ask").choices(["all", "test"]).default("all"))
    .addOption(
      new Option("--gallery <split>", "which products answer: those that ask too, the training split, or all")
        .choices(["same", "train", "all"])
        .default("same"),
    )
    .option("--labels-only <names>", "only products of these labels: a,b", labelNames)
    .option("--exclude-labels <names>", "without products of these labels: a,b", labelNames)
    .option("--by-label", "also by label, or by category where labels are groups or products")
    .option("--against <model>", "also another model on the same questions, and the difference")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./evaluate.command.js")).showEvaluation(options));
  command(program, "distribution", "measure and draw how far photos of one label are apart, and of different ones")
    .option("--model <model>", "active, base, or a model's id", "active")
    .option("--labels <labels>", "category, group, product, or attribute:NAME", "category")
    .addOption(new Option("--split <split>", "photos of which products").choices(["all", "test"]).default("all"))
    .option("--against <model>", "draw another model's distances above: base, active, or a model's id")
    .option("--out <file>", "picture to write, .svg or .png")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./distribution.command.js")).showDistribution(options));
  command(program, "models", "list model versions")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./models.command.js")).listModels(options));
  command(program, "promote <id>", "make a model the one that answers")
    .option("--force", "although the gate refused it or was not asked")
    .option("--wait", "have missing vectors made first; works without a running server too")
    .option("--json", "print the model as JSON")
    .action(async (id, options) => (await import("./promote.command.js")).promoteModel(id, options));
  command(program, "rollback", "give the place back to the model that answered before")
    .option("--json", "print the model as JSON")
    .action(async (options) => (await import("./promote.command.js")).rollbackModel(options));
  command(program, "delete-model <id>", "drop the vectors and weights of a model that does not answer")
    .option("--json", "print the model as JSON")
    .action(async (id, options) => (await import("./promote.command.js")).deleteModel(id, options));
}

function addTraining(program: Command): void {
  command(program, "train", "learn the shop's own notion of similar")
    .option(
      "--positives <rules>",
      "what is similar: category, group, product, augmentation, attribute:NAME; several with weights: category=3,group=1",
      "category",
    )
    .addOption(
      new Option("--recipe <name>", "how; auto chooses by photos, memory, device and time")
        .choices(["auto", "whitening", "head", "last-blocks", "full", "growing", "seed"])
        .default("auto"),
    )
    .option("--budget-minutes <n>", "time for the training, 0.1 to 1440", number(0.1, 1_440), 10)
    .option("--seed <n>", "everything that is drawn follows from it", wholeNumber(0, 2 ** 31 - 1), 1)
    .addOption(
      new Option("--device <name>", "where; left out: LOOKALIKE_DEVICE").choices(["auto", "cpu", "cuda", "webgpu"]),
    )
    .addOption(
      new Option("--promote <when>", "whether the new model answers if it is better")
        .choices(["if-better", "never"])
        .default("if-better"),
    )
    .option("--labels-only <names>", "learn from these labels only: a,b", labelNames)
    .option("--exclude-labels <names>", "leave these labels out: a,b", labelNames)
    .addOption(
      new Option("--label-noise <share>", "replace a share of the labels").argParser(number(0, 0.9)).hideHelp(),
    )
    .addOption(new Option("--shuffle-labels", "draw every label at random").hideHelp())
    .option("--dry-run", "only count what there is to learn from, and plan")
    .option("--wait", "wait until the model is judged; works without a running server too")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./train.command.js")).train(options));
  command(program, "runs [run]", "list training runs, or tell everything about one (its id, a start of it, or latest)")
    .option("--first <n>", "how many, 1 to 100", wholeNumber(1, 100), 20)
    .option("--json", "print JSON")
    .action(async (run, options) => (await import("./runs.command.js")).showRuns(run, options));
  command(program, "cancel <run>", "stop a training run")
    .option("--json", "print JSON")
    .action(async (run, options) => (await import("./runs.command.js")).cancelRun(run, options));
  command(program, "resume <run>", "have a run that failed or was cancelled go on from its last checkpoint")
    .option("--wait", "wait until the model is judged; works without a running server too")
    .option("--json", "print JSON")
    .action(async (run, options) => (await import("./runs.command.js")).resumeRun(run, options));
  command(program, "suspects [run]", "list photos that probably carry a wrong label, as a run found them")
    .option("--first <n>", "how many, 1 to 10000", wholeNumber(1, 10_000), 50)
    .option("--json", "print JSON")
    .action(async (run, options) => (await import("./suspects.command.js")).showSuspects(run ?? "latest", options));
}

function addEncoders(program: Command): void {
  const encoder = program.command("encoder").description("encoders: what turns photos into vectors").exitOverride();
  command(encoder, "list", "list encoders that are built in, installed, or can be pulled")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./encoder.command.js")).listEncoders(options));
  command(encoder, "pull <name>", "download a known encoder, verified against its hub")
    .option(
      "--lock <file>",
      "lock file to follow and to write; left out: encoders/encoders.lock.json of the data folder",
    )
    .option("--json", "print JSON")
    .action(async (name, options) => (await import("./encoder.command.js")).pull(name, options));
  command(encoder, "add <file>", "install an ONNX file of your own: proposes a manifest and tries it")
    .option("--name <name>", "left out: the file's name")
    .option("--size <pixels>", "side of its square input; left out: told from the file", wholeNumber(8, 2048))
    .addOption(new Option("--resize <way>", "left out: crop").choices(["squash", "crop", "pad"]))
    .option("--mean <r,g,b>", "subtracted from colours in 0 to 1; left out: ImageNet's", threeNumbers)
    .option("--std <r,g,b>", "what they are then divided by; left out: ImageNet's", threeNumbers)
    .option("--output <name>", "output that the vector is made of; left out: the likeliest")
    .addOption(
      new Option("--pooling <way>", "how; left out: told from the output's shape").choices([
        "none",
        "average",
        "cls",
        "mean-tokens",
      ]),
    )
    .option("--licence <name>", "of its weights; left out: unknown")
    .option("--json", "print JSON")
    .action(async (file, options) => (await import("./encoder.command.js")).add(file, options));
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(`${packageRoot()}/package.json`, "utf8")) as { version: string };
  return manifest.version;
}
