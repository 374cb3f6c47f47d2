-- How sought-after a product is, kept by the worker from what shoppers did. Fills lists that come out short.
CREATE TABLE "product_popularity" (
    "product_id" BIGINT NOT NULL,
    "score" DOUBLE PRECISION NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "product_popularity_pkey" PRIMARY KEY ("product_id"),
    CONSTRAINT "product_popularity_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "product"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "product_popularity_score_product_id_idx" ON "product_popularity"("score" DESC, "product_id" DESC);

-- Distances between random products of the model, by which a score means the same after a retrain.
ALTER TABLE "model_version" ADD COLUMN "score_scale" JSONB;

-- The sales channels of a product that names any, beside its vector like all that is filtered by.
ALTER TABLE "vectors"."product_vector" ADD COLUMN "channels" TEXT[];
UPDATE "vectors"."product_vector" v
SET "channels" = NULLIF(ARRAY(SELECT jsonb_array_elements_text(p."attributes"->'channel')), '{}')
FROM "product" p
WHERE p."id" = v."product_id" AND jsonb_typeof(p."attributes"->'channel') = 'array';
