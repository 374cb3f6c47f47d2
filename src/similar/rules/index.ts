export { createRuleBooks, type RuleBooks } from "./rule-books.js";
export { createRuledSimilarItems } from "./ruled-similar-items.js";
export * from "./similar-rule.type.js";
export * from "./similar-rules.errors.js";
export { createSimilarRules } from "./similar-rules.js";
