import { Directive, ObjectType, registerEnumType } from "type-graphql";
import type { SimilarItem } from "./similar-items.type.js";

export const SimilarItemRule = {
  SAME_CATEGORY: "SAME_CATEGORY",
  PARENT_CATEGORY: "PARENT_CATEGORY",
  ANY_CATEGORY: "ANY_CATEGORY",
  PINNED: "PINNED",
  POPULAR: "POPULAR",
  NEWEST: "NEWEST",
} as const;
registerEnumType(SimilarItemRule, {
  name: "SimilarItemRule",
  description: "How an item came into the list.",
  valuesConfig: {
    SAME_CATEGORY: { description: "It looks alike, and is in the asked product's category." },
    PARENT_CATEGORY: { description: "It looks alike, and is in a category around the asked product's." },
    ANY_CATEGORY: { description: "It looks alike, and its category was not asked for." },
    PINNED: { description: "The shop put it there." },
    POPULAR: { description: "It is much asked for in the asked product's category." },
    NEWEST: { description: "It is new in the asked product's category." },
  },
});

@Directive("@cacheControl(inheritMaxAge: true)")
@ObjectType("SimilarItemExplanation", { description: "Why an item is in the list, and where." })
export class SimilarItemExplanationObject {
  item!: SimilarItem;
  /** The products asked for. */
  seeds!: readonly bigint[];
}
