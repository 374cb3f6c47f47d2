/**
 * `read`, asked again only after a while; callers at once share one answer. A failure is not kept.
 * @param pauseAfter milliseconds until it is asked again, by how long it took
 */
export function remembered<T>(read: () => Promise<T>, pauseAfter: (tookMs: number) => number): () => Promise<T> {
  let last: { readonly answer: Promise<T>; until: number } | undefined;
  return () => {
    if (last !== undefined && performance.now() < last.until) return last.answer;
    const startedAt = performance.now();
    const answer = read();
    const entry = { answer, until: Number.POSITIVE_INFINITY };
    last = entry;
    answer.then(
      () => {
        const now = performance.now();
        entry.until = now + pauseAfter(now - startedAt);
      },
      () => {
        entry.until = 0;
      },
    );
    return answer;
  };
}
