import { Field, GraphQLISODateTime, ID, InputType, registerEnumType } from "type-graphql";
import type { InteractionKind } from "./interaction.type.js";

export const InteractionKinds = {
  IMPRESSION: "IMPRESSION",
  CLICK: "CLICK",
  CART: "CART",
  PURCHASE: "PURCHASE",
} as const satisfies Record<InteractionKind, InteractionKind>;
registerEnumType(InteractionKinds, {
  name: "InteractionKind",
  description: "What a shopper did with a product of an answer.",
  valuesConfig: {
    IMPRESSION: { description: "It came into view." },
    CLICK: { description: "It was opened." },
    CART: { description: "It was put into the cart." },
    PURCHASE: { description: "It was bought." },
  },
});

@InputType("InteractionEvent")
export class InteractionEventInput {
  @Field(() => InteractionKinds)
  kind!: InteractionKind;

  @Field(() => [ID], { description: "Products of the answer: ours (`prod_42`) or the platform's own." })
  productIds!: string[];

  @Field(() => String, { description: "`attributionToken` of the answer that the products were in." })
  attributionToken!: string;

  @Field(() => ID, {
    nullable: true,
    description: "Your own id of the event: one that is sent again is counted once.",
  })
  eventId?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "When it happened. Left out: now." })
  at?: Date | null;

  @Field(() => String, {
    nullable: true,
    description: "The visitor's key, of which a salted hash is kept. Left out: that of the header X-Visitor-Key.",
  })
  visitor?: string | null;
}

@InputType("RecordInteractionsInput")
export class RecordInteractionsInput {
  @Field(() => [InteractionEventInput], { description: "1 … 500, with 2,000 products together at most." })
  events!: InteractionEventInput[];
}
