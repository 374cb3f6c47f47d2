import { ArrayMaxSize, IsOptional, Length, Matches, Max, MaxLength, Min, ValidateNested } from "class-validator";
import { Field, Float, ID, InputType, registerEnumType } from "type-graphql";
import { ProductAttributeInput } from "../catalog/products/catalog.input.js";
import { DecimalScalar } from "../catalog/products/decimal.scalar.js";

export const MatchMode = { BEST_IMAGE: "BEST_IMAGE", PRODUCT: "PRODUCT" } as const;
export type MatchMode = (typeof MatchMode)[keyof typeof MatchMode];
registerEnumType(MatchMode, {
  name: "MatchMode",
  description: "What is compared.",
  valuesConfig: {
    BEST_IMAGE: { description: "The closest pair of photos decides the order." },
    PRODUCT: { description: "All photos of a product together." },
  },
});

export const FallbackMode = { NONE: "NONE", CATEGORY: "CATEGORY" } as const;
export type FallbackMode = (typeof FallbackMode)[keyof typeof FallbackMode];
registerEnumType(FallbackMode, {
  name: "FallbackMode",
  description: "What fills a list that came out short.",
  valuesConfig: {
    NONE: { description: "Nothing." },
    CATEGORY: { description: "What is popular in the category, then what is new, marked with the reason FALLBACK." },
  },
});

@InputType("RelativePriceInput", { description: "Factors of the asked product's price, both bounds included." })
export class RelativePriceInput {
  @Field(() => Float, { nullable: true, description: "`0.85`: not much cheaper." })
  @IsOptional()
  @Min(0)
  min?: number | null;

  @Field(() => Float, { nullable: true, description: "`1.5`: not half as dear again." })
  @IsOptional()
  @Min(0)
  max?: number | null;
}

@InputType("PriceRangeInput", { description: "Products priced in this currency, both bounds included." })
export class PriceRangeInput {
  @Field(() => DecimalScalar, { nullable: true })
  @IsOptional()
  min?: string | null;

  @Field(() => DecimalScalar, { nullable: true })
  @IsOptional()
  max?: string | null;

  @Field(() => String, { nullable: true, description: "ISO 4217. Left out: the server's default currency." })
  @IsOptional()
  @Matches(/^[A-Z]{3}$/, { message: "currency must be an ISO 4217 code such as EUR" })
  currency?: string | null;

  @Field(() => RelativePriceInput, {
    nullable: true,
    description: "In the asked product's own currency. Nothing is asked of the price when that product has none.",
  })
  @IsOptional()
  @ValidateNested()
  relative?: RelativePriceInput | null;
}

@InputType("SimilarItemsFilter", { description: "Items that match every given field." })
export class SimilarItemsFilterInput {
  @Field(() => [[String]], {
    nullable: true,
    description:
      'Category paths, outermost first: an item is in one of them or below. `["Shoes", "Bags"]` is two categories, ' +
      '`[["Shoes", "Sneakers"]]` is one inside the other.',
  })
  @IsOptional()
  @ArrayMaxSize(50)
  category?: string[][] | null;

  @Field(() => [String], { nullable: true, description: "One of these brands." })
  @IsOptional()
  @ArrayMaxSize(100)
  @MaxLength(500, { each: true })
  brand?: string[] | null;

  @Field(() => PriceRangeInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  price?: PriceRangeInput | null;

  @Field(() => Boolean, { nullable: true })
  @IsOptional()
  inStock?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description: "A sales channel: products whose attribute `channel` names it, and products without that attribute.",
  })
  @IsOptional()
  @Length(1, 500)
  channel?: string | null;

  @Field(() => [ProductAttributeInput], {
    nullable: true,
    description: "Every attribute, each with one of its values.",
  })
  @IsOptional()
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  attributes?: ProductAttributeInput[] | null;

  @Field(() => [ID], {
    nullable: true,
    description: "Leave these products out (`prod_42`), such as what is in the cart.",
  })
  @IsOptional()
  @ArrayMaxSize(200)
  @Length(1, 100, { each: true })
  excludeIds?: string[] | null;
}

@InputType("SimilarItemsOptions")
export class SimilarItemsOptionsInput {
  @Field(() => Boolean, {
    defaultValue: true,
    description: "Leave out the product's own variants, and show one item of every other group.",
  })
  excludeSameGroup!: boolean;

  @Field(() => Boolean, { defaultValue: true, description: "Only items of the product's own category." })
  sameCategory!: boolean;

  @Field(() => Boolean, {
    defaultValue: true,
    description: "When the category has no more, go on with the one around it, up to the outermost.",
  })
  widenCategory!: boolean;

  @Field(() => Float, {
    nullable: true,
    description: "0 … 1: how much an item should differ from those above it. 0, the default, orders by likeness alone.",
  })
  @IsOptional()
  @Min(0)
  @Max(1)
  diversity?: number | null;

  @Field(() => Float, { nullable: true, description: "0 … 1: leave out items with a lower score." })
  @IsOptional()
  @Min(0)
  @Max(1)
  minScore?: number | null;

  @Field(() => MatchMode, { defaultValue: MatchMode.BEST_IMAGE })
  match!: MatchMode;

  @Field(() => FallbackMode, { defaultValue: FallbackMode.CATEGORY })
  fallback!: FallbackMode;

  @Field(() => ID, { nullable: true, description: "Another model version than the active one; administrators only." })
  @IsOptional()
  @MaxLength(20)
  modelId?: string | null;
}

@InputType("ImageInput", { description: "A picture: exactly one of the two fields." })
export class ImageInput {
  @Field(() => String, { nullable: true, description: "`data:image/jpeg;base64,…`" })
  @IsOptional()
  dataUri?: string | null;

  @Field(() => String, { nullable: true, description: "http(s) address, fetched by the server." })
  @IsOptional()
  @MaxLength(4000)
  url?: string | null;
}
