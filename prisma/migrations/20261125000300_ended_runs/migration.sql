-- Where labels were replaced on purpose: how many, how many photos were suspected, and how many of those rightly.
ALTER TABLE "training_run" ADD COLUMN "suspect_accuracy" JSONB;

-- When the snapshot and the checkpoints of an ended run were deleted; it begins anew if it is resumed.
ALTER TABLE "training_run" ADD COLUMN "files_removed_at" TIMESTAMPTZ(3);
