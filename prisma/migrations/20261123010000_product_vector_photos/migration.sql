-- The photos behind a product's vector, in the order shown, so that the closest pair of photos is found without the
-- photo table, and skipped where both products have one photo.
ALTER TABLE "vectors"."product_vector"
    ADD COLUMN "image_ids" BIGINT[] NOT NULL DEFAULT '{}',
    ADD COLUMN "blob_ids" BIGINT[] NOT NULL DEFAULT '{}';

-- Filters by attribute, and the newest products of a category.
CREATE INDEX "product_attributes_idx" ON "product" USING GIN ("attributes" jsonb_path_ops);
CREATE INDEX "product_category_path_idx" ON "product" USING GIN ("category_path");

-- The id first: inside a partition the model's id tells nothing, and before its first ANALYZE the planner takes an
-- index that begins with it for selective and reads the whole partition.
ALTER TABLE "vectors"."photo_vector" DROP CONSTRAINT "photo_vector_pkey", ADD PRIMARY KEY ("blob_id", "model_id");
ALTER TABLE "vectors"."product_vector" DROP CONSTRAINT "product_vector_pkey", ADD PRIMARY KEY ("product_id", "model_id");
