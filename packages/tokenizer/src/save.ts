import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, writeJsonAtomic } from '@weft/checkpoint';
import type { JsonObject } from './json.js';
import type { TokenizerSettings } from './tokenizer-config.js';

/** Writes the three files of a tokenizer; each is whole or absent. */
export async function saveTokenizer(
  folder: string,
  tokenizer: JsonObject,
  settings: TokenizerSettings,
  changed: { model_max_length: number; padding_side: string; truncation_side: string },
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const { raw, specialTokens, additionalSpecialTokens, chatTemplate } = settings;
  const added = tokenizer.added_tokens as JsonObject[];
  const config: JsonObject = {
    ...raw,
    ...specialTokens,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [String(id), token])),
    model_max_length: changed.model_max_length,
    padding_side: changed.padding_side,
    truncation_side: changed.truncation_side,
    clean_up_tokenization_spaces: settings.cleanUpTokenizationSpaces,
    tokenizer_class: settings.tokenizerClass ?? 'PreTrainedTokenizerFast',
    ...(typeof chatTemplate === 'string' ? { chat_template: chatTemplate } : {}),
  };
  const map: JsonObject = {
    ...specialTokens,
    ...(additionalSpecialTokens.length > 0
      ? { additional_special_tokens: [...additionalSpecialTokens] }
      : {}),
  };
  const paths = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'].map((name) =>
    join(folder, name),
  );
  await writeFileAtomic(paths[0]!, JSON.stringify(tokenizer));
  await writeJsonAtomic(paths[1]!, config);
  await writeJsonAtomic(paths[2]!, map);
  return paths;
}
