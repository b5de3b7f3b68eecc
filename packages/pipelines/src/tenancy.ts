/** A model in use: it is freed when it was given up and the work that was under way is done. */
export class Tenancy {
  #atWork = 0;
  #isOver = false;

  constructor(
    private readonly release: () => void,
    private readonly refusal: () => Error,
  ) {}

  /** @throws the refusal once the model was given up */
  check(): void {
    if (this.#isOver) throw this.refusal();
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    this.#atWork++;
    try {
      return await work();
    } finally {
      this.#atWork--;
      if (this.#isOver && this.#atWork === 0) this.release();
    }
  }

  end(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (!wasOver && this.#atWork === 0) this.release();
  }
}
