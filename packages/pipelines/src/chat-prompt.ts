/** Conversations as prompts. */
import { InputError } from '@weft/errors';
import type { ChatMessage, Tokenizer } from '@weft/tokenizer';
import { shown } from './options.js';

const MARK = '\u2060weft goes on here\u2060';

/** A conversation: one message or more. */
export type Chat = readonly ChatMessage[];

export function isMessage(value: unknown): value is ChatMessage {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as ChatMessage).role === 'string' &&
    'content' in value
  );
}

export function isChat(value: unknown): value is Chat {
  return Array.isArray(value) && value.length > 0 && value.every(isMessage);
}

/** Whether the model goes on with the last message rather than answering it. */
export function continuesLast(chat: Chat, asked: boolean | undefined): boolean {
  return asked ?? chat.at(-1)!.role === 'assistant';
}

/**
 * The conversation as the tokenizer's chat template has it.
 *
 * @throws TokenizerError without a template, InputError where the last message cannot be gone on with
 */
export function renderPrompt(tokenizer: Tokenizer, chat: Chat, continues: boolean | undefined): string {
  if (!continuesLast(chat, continues)) {
    return tokenizer.applyChatTemplate(chat, { addGenerationPrompt: true });
  }
  // A mark behind the last message shows where the template goes on after it.
  const last = chat.at(-1)!;
  const content = String(last.content);
  const marked = [...chat.slice(0, -1), { ...last, content: `${content}${MARK} ` }];
  const rendered = tokenizer.applyChatTemplate(marked);
  const place = rendered.lastIndexOf(MARK);
  if (place < 0 || !rendered.includes(content.trim())) {
    throw new InputError({
      operation: 'text-generation',
      expected: 'a last message that the chat template shows as it is',
      received: shown(content),
      remedy: 'pass continueFinalMessage: false to have it answered',
    });
  }
  const before = rendered.slice(0, place);
  // A template that trims messages has trimmed the mark's space too, and would have the message's.
  return rendered.startsWith(`${MARK} `, place) ? before : before.trimEnd();
}

/** The conversation with what the model wrote. */
export function withAnswer(chat: Chat, text: string, continues: boolean): ChatMessage[] {
  if (!continues) return [...chat, { role: 'assistant', content: text }];
  const last = chat.at(-1)!;
  return [...chat.slice(0, -1), { role: last.role, content: `${last.content}${text}` }];
}
