import { Template } from '@huggingface/jinja';
import { TokenizerError } from '@weft/errors';
import type { TokenizerSettings } from './tokenizer-config.js';

/** One turn of a conversation; templates may read more fields than these. */
export interface ChatMessage {
  role: string;
  content: unknown;
  [field: string]: unknown;
}

export interface ChatTemplateOptions {
  /** End with what opens the assistant's turn. Default: false. */
  addGenerationPrompt?: boolean;
  /** A Jinja template in place of the tokenizer's, or the name of one of its templates. */
  chatTemplate?: string;
  tools?: readonly unknown[];
  documents?: readonly unknown[];
  /** More variables for the template. */
  variables?: Readonly<Record<string, unknown>>;
}

function chooseTemplate({ chatTemplate }: TokenizerSettings, options: ChatTemplateOptions): string {
  const named =
    typeof chatTemplate === 'object' ? chatTemplate.get(options.chatTemplate ?? 'default') : undefined;
  const found =
    named ?? options.chatTemplate ?? (typeof chatTemplate === 'string' ? chatTemplate : undefined);
  if (found !== undefined) return found;
  throw new TokenizerError({
    operation: 'Tokenizer.applyChatTemplate',
    expected: 'a tokenizer with a chat template',
    received: 'none',
    remedy: 'pass chatTemplate, or take a model that was made for chat',
  });
}

/** Renders messages with a chat template; special tokens are variables of it. */
export function renderChat(
  settings: TokenizerSettings,
  messages: readonly ChatMessage[],
  options: ChatTemplateOptions,
): string {
  const source = chooseTemplate(settings, options);
  try {
    return new Template(source).render({
      messages,
      add_generation_prompt: options.addGenerationPrompt ?? false,
      ...(options.tools ? { tools: options.tools } : {}),
      ...(options.documents ? { documents: options.documents } : {}),
      ...settings.specialTokens,
      ...options.variables,
    });
  } catch (error) {
    throw new TokenizerError({
      operation: 'Tokenizer.applyChatTemplate',
      expected: 'messages that the template accepts',
      received: error instanceof Error ? error.message : String(error),
      remedy: 'check the roles and their order, or the template',
      cause: error,
    });
  }
}
