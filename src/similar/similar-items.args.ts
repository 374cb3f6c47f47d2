import { ArrayMaxSize, ArrayMinSize, IsOptional, Length, Max, MaxLength, Min, ValidateNested } from "class-validator";
import { ArgsType, Field, ID, Int } from "type-graphql";
import { ImageInput, SimilarItemsFilterInput, SimilarItemsOptionsInput } from "./similar-items.input.js";

/** A page with its filters: the arguments of `Product.similarItems`. */
@ArgsType()
export class SimilarItemsPageArgs {
  @Field(() => Int, { defaultValue: 12, description: "1 … 100." })
  @Min(1)
  @Max(100)
  first!: number;

  @Field(() => String, { nullable: true, description: "`endCursor` of the page before." })
  @IsOptional()
  @MaxLength(500)
  after?: string | null;

  @Field(() => SimilarItemsFilterInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  filter?: SimilarItemsFilterInput | null;

  @Field(() => SimilarItemsOptionsInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  options?: SimilarItemsOptionsInput | null;

  @Field(() => String, {
    nullable: true,
    description:
      "A key of the visitor, such as a random cookie, by which an experiment chooses the model. Left out: that of the " +
      "header X-Visitor-Key; without either the active model answers.",
  })
  @IsOptional()
  @Length(1, 200)
  visitor?: string | null;
}

@ArgsType()
export class SimilarItemsArgs extends SimilarItemsPageArgs {
  @Field(() => ID, { description: "Ours (`prod_42`) or the platform's own (`gid://shopify/Product/42`, `42`)." })
  @Length(1, 500)
  productId!: string;
}

@ArgsType()
export class SimilarItemsToArgs extends SimilarItemsPageArgs {
  @Field(() => [ID], {
    description: "Ours or the platform's own, such as what is in the cart. Those that are not there are passed over.",
  })
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @Length(1, 500, { each: true })
  productIds!: string[];

  @Field(() => [ID], { nullable: true, description: "Products that the items should be unlike." })
  @IsOptional()
  @ArrayMaxSize(20)
  @Length(1, 500, { each: true })
  notLike?: string[] | null;
}

@ArgsType()
export class SimilarItemsByImageArgs extends SimilarItemsPageArgs {
  @Field(() => ImageInput)
  @ValidateNested()
  image!: ImageInput;
}
