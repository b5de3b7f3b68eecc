/** How many things happen a second, over the last half minute. */
export class RateMeter {
  #times: number[] = [];

  constructor(
    private readonly windowMs = 30_000,
    private readonly now: () => number = () => performance.now(),
  ) {}

  count(): void {
    this.#times.push(this.now());
    // Enough to tell the rate by; memory does not grow with traffic.
    if (this.#times.length > 256) this.#times.shift();
  }

  perSecond(): number {
    const now = this.now();
    while (this.#times.length > 0 && now - this.#times[0]! > this.windowMs) this.#times.shift();
    const first = this.#times[0];
    if (first === undefined) return 0;
    return this.#times.length / Math.max(1, (now - first) / 1000);
  }
}
