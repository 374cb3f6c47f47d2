import { type Command, Option } from "commander";
import { categoryPath, date, number, wholeNumber } from "./argument-readers.js";
import { command } from "./command.js";
import { experimentVariants } from "./experiment-variants.js";

/** Commands about rules of similarItems. */
export function addRules(program: Command): void {
  const rules = program.command("rules").description("products pinned or hidden in similarItems").exitOverride();
  const narrowed = (usage: string, description: string): Command =>
    command(rules, usage, description)
      .option("--for-product <product>", "only in the answer for this product")
      .option("--for-category <path>", "only in the answers for this category and below: Shoes > Boots", categoryPath)
      .option("--from <date>", "from this moment on: 2026-12-01, or 2026-12-01T08:00:00+01:00", date)
      .option("--to <date>", "until this moment", date)
      .option("--note <text>", "for people");
  command(rules, "list", "list the rules, newest first")
    .option("--product <product>", "those that pin or hide this product")
    .option("--for-product <product>", "those about this product's answer alone")
    .option("--for-category <path>", "those about this very category: Shoes > Boots", categoryPath)
    .addOption(new Option("--state <state>", "those in this state").choices(["scheduled", "active", "expired"]))
    .option("--first <n>", "how many, 1 to 1000", wholeNumber(1, 1_000), 50)
    .option("--json", "print JSON")
    .action(async (options) => (await import("./rules.command.js")).listRules(options));
  narrowed("pin <product>", "show a product at a position")
    .requiredOption("--position <n>", "1 to 100, counted over all pages", wholeNumber(1, 100))
    .option("--json", "print the rule as JSON")
    .action(async (product, options) => (await import("./rules.command.js")).pinProduct(product, options));
  narrowed("hide <product>", "keep a product out")
    .option("--json", "print the rule as JSON")
    .action(async (product, options) => (await import("./rules.command.js")).hideProduct(product, options));
  command(rules, "remove <rule>", "remove a rule, such as rule_3")
    .option("--json", "print the rule as JSON")
    .action(async (rule, options) => (await import("./rules.command.js")).removeRule(rule, options));
}

/** Commands about experiments with models. */
export function addExperiments(program: Command): void {
  const experiments = program
    .command("experiments")
    .description("models that answer different visitors at the same time")
    .exitOverride();
  command(experiments, "list", "list the experiments, newest first")
    .option("--json", "print JSON")
    .action(async (options) => (await import("./experiments.command.js")).listExperiments(options));
  command(experiments, "start <name>", "have different models answer different visitors")
    .requiredOption("--models <models>", "ids with weights, the control first: 3=0.5,7=0.5", experimentVariants)
    .option("--from <date>", "from this moment on; left out: now", date)
    .option("--to <date>", "until this moment", date)
    .option("--days <n>", "without --to: for so many days, 1 to 366", wholeNumber(1, 366), 14)
    .option("--share <share>", "part of the visitors who take part, above 0 to 1", number(0, 1), 1)
    .option("--json", "print the experiment as JSON")
    .action(async (name, options) => (await import("./experiments.command.js")).startExperiment(name, options));
  command(
    experiments,
    "stop <experiment>",
    "end an experiment, such as exp_3: the active model answers everybody again",
  )
    .option("--json", "print the experiment as JSON")
    .action(async (id, options) => (await import("./experiments.command.js")).stopExperiment(id, options));
  command(
    experiments,
    "report <experiment>",
    "what shoppers did with each model's answers; * marks intervals apart from the control's",
  )
    .option("--json", "print JSON")
    .action(async (id, options) => (await import("./experiments.command.js")).reportExperiment(id, options));
}
