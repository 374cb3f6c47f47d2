/**
 * The way from a photo's bytes to an encoder's input: decoder, colour, resampling. Part of every encoder's digest.
 * Raise it with each change of that code (src/embedding/preprocess.ts and what it calls) after which the same photo
 * gives other numbers: models made before then count as made with another encoder, instead of mixing two kinds of
 * vectors without a word.
 */
export const PREPROCESSING_VERSION = 1;
