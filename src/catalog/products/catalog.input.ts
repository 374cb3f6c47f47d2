import { ArrayMaxSize, ArrayMinSize, IsOptional, Length, Matches, MaxLength, ValidateNested } from "class-validator";
import { Field, ID, InputType, registerEnumType } from "type-graphql";
import { ProductStatus } from "../../generated/prisma/enums.js";
import { DecimalScalar } from "./decimal.scalar.js";

/** Formats that a server may read from an address. A folder can only be read where it lies: by the command line. */
export const FeedFormat = { CSV: "csv", TSV: "tsv", JSONL: "jsonl", MERCHANT: "merchant" } as const;
export type FeedFormat = (typeof FeedFormat)[keyof typeof FeedFormat];
registerEnumType(FeedFormat, { name: "FeedFormat", description: "MERCHANT is a Google Merchant feed, XML or TSV." });

@InputType("MoneyInput")
export class MoneyInput {
  @Field(() => DecimalScalar)
  amount!: string;

  @Field(() => String, { nullable: true, description: "ISO 4217. Left out: the server's default currency." })
  @IsOptional()
  @Matches(/^[A-Z]{3}$/, { message: "currency must be an ISO 4217 code such as EUR" })
  currency?: string | null;
}

@InputType("ProductAttributeInput")
export class ProductAttributeInput {
  @Field(() => String)
  @Length(1, 200)
  name!: string;

  @Field(() => [String])
  @ArrayMaxSize(100)
  @MaxLength(1000, { each: true })
  values!: string[];
}

// What product-rules.ts judges (an empty id or title, too many photos) is not judged here, so that it is said once, with
// a code of its own.
@InputType("ProductInput")
export class ProductInputObject {
  @Field(() => String, { description: "The source's own id." })
  @MaxLength(500)
  externalId!: string;

  @Field(() => String)
  @MaxLength(2000)
  title!: string;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 500)
  groupKey?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(100_000)
  description?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(1000)
  handle?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(4000)
  url?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(500)
  brand?: string | null;

  @Field(() => [String], { nullable: true, description: "Outermost category first." })
  @IsOptional()
  @ArrayMaxSize(20)
  @MaxLength(500, { each: true })
  categoryPath?: string[] | null;

  @Field(() => MoneyInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  price?: MoneyInput | null;

  @Field(() => Boolean, { defaultValue: true })
  inStock!: boolean;

  @Field(() => [ProductAttributeInput], { nullable: true })
  @IsOptional()
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  attributes?: ProductAttributeInput[] | null;

  @Field(() => ProductStatus, { defaultValue: ProductStatus.ACTIVE })
  status!: ProductStatus;

  @Field(() => [String], { nullable: true, description: "http(s) addresses of photos; the first is the main photo." })
  @IsOptional()
  @ArrayMaxSize(1000)
  @MaxLength(4000, { each: true })
  photos?: string[] | null;

  @Field(() => Date, { nullable: true, description: "When the source last changed it: the newest wins." })
  @IsOptional()
  sourceUpdatedAt?: Date | null;
}

@InputType("UpsertProductsInput")
export class UpsertProductsInput {
  @Field(() => String, { defaultValue: "api", description: "Name of the shop or feed that owns the products." })
  @Length(1, 200)
  source!: string;

  /** Judged one by one (to-catalog-event.ts): a product that is refused does not refuse the others. */
  @Field(() => [ProductInputObject])
  @ArrayMinSize(1)
  @ArrayMaxSize(500)
  products!: ProductInputObject[];
}

@InputType("DeleteProductsInput", { description: "By the source's ids, by ours, or both." })
export class DeleteProductsInput {
  @Field(() => String, { defaultValue: "api", description: "Source of `externalIds`." })
  @Length(1, 200)
  source!: string;

  @Field(() => [String], { nullable: true })
  @IsOptional()
  @ArrayMaxSize(1000)
  @Length(1, 500, { each: true })
  externalIds?: string[] | null;

  @Field(() => [ID], { nullable: true, description: "Ours, such as `prod_42`." })
  @IsOptional()
  @ArrayMaxSize(1000)
  @Length(1, 100, { each: true })
  ids?: string[] | null;
}

@InputType("ImportCatalogInput")
export class ImportCatalogInput {
  @Field(() => String, { description: "http(s) address of the feed." })
  @Length(1, 4000)
  url!: string;

  @Field(() => String, { nullable: true, description: "Name of the source; left out: made of the feed's host." })
  @IsOptional()
  @Length(1, 200)
  source?: string | null;

  @Field(() => FeedFormat, { nullable: true, description: "Left out: told from the address." })
  @IsOptional()
  format?: FeedFormat | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: "The feed holds the whole catalog: products of the source that it does not name are deleted.",
  })
  snapshot!: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description: "Let a snapshot delete more than a fifth of the source's products.",
  })
  allowMassDelete!: boolean;
}

@InputType("RefreshEmbeddingsInput")
export class RefreshEmbeddingsInput {
  @Field(() => [ID], { nullable: true, description: "Only these products; left out: all of them." })
  @IsOptional()
  @ArrayMaxSize(1000)
  @Length(1, 100, { each: true })
  ids?: string[] | null;

  @Field(() => Boolean, { defaultValue: false, description: "Also fetch failed photos again." })
  retryFailed!: boolean;
}
