let turn = 0;
let isCounted = false;

/** A number that is the same until the event loop has gone around once. */
export function turnOfLoop(): number {
  if (!isCounted) {
    isCounted = true;
    setImmediate(() => {
      isCounted = false;
      turn += 1;
    });
  }
  return turn;
}
