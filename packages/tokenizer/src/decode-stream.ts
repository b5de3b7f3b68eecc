/** Gives the text of ids that come one at a time, whole characters only. */
export class DecodeStream {
  private ids: number[] = [];
  /** Ids before this are context: their text has been given. */
  private given = 0;
  private prefix = '';

  constructor(private readonly decode: (ids: readonly number[]) => string) {}

  /** Takes an id and answers the text that has become certain, '' where none has. */
  push(id: number): string {
    this.ids.push(id);
    const text = this.decode(this.ids);
    // A character whose bytes are not all there decodes to U+FFFD.
    if (text.length <= this.prefix.length || text.endsWith('\ufffd')) return '';
    return this.advance(text);
  }

  /** Answers what is left, unfinished characters as U+FFFD, and starts anew. */
  end(): string {
    const text = this.decode(this.ids);
    const rest = text.slice(commonLength(text, this.prefix));
    this.ids = [];
    this.given = 0;
    this.prefix = '';
    return rest;
  }

  private advance(text: string): string {
    const out = text.slice(commonLength(text, this.prefix));
    // The tokens of the last step stay as context: some decoders drop the space of a first token.
    this.ids = this.ids.slice(this.given);
    this.given = this.ids.length;
    this.prefix = this.decode(this.ids);
    return out;
  }
}

function commonLength(text: string, prefix: string): number {
  let length = 0;
  while (length < prefix.length && text[length] === prefix[length]) length++;
  return length;
}
