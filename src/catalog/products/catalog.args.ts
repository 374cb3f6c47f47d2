import { IsOptional, Length, Max, MaxLength, Min, ValidateNested } from "class-validator";
import { ArgsType, Field, InputType, Int } from "type-graphql";
import { ProductStatus } from "../../generated/prisma/enums.js";

@InputType("ProductsFilter", { description: "Products that match every given field." })
export class ProductsFilterInput {
  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 200)
  source?: string | null;

  @Field(() => [String], { nullable: true, description: "Products whose category path starts with this." })
  @IsOptional()
  @MaxLength(500, { each: true })
  category?: string[] | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(500)
  brand?: string | null;

  @Field(() => Boolean, { nullable: true })
  @IsOptional()
  inStock?: boolean | null;

  @Field(() => ProductStatus, { nullable: true, description: "Only administrators see others than ACTIVE." })
  @IsOptional()
  status?: ProductStatus | null;

  @Field(() => String, { nullable: true, description: "Part of the title, whatever its case." })
  @IsOptional()
  @Length(1, 200)
  title?: string | null;
}

@ArgsType()
export class ProductsArgs {
  @Field(() => Int, { defaultValue: 20, description: "1 … 100." })
  @Min(1)
  @Max(100)
  first!: number;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(200)
  after?: string | null;

  @Field(() => ProductsFilterInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  filter?: ProductsFilterInput | null;
}
