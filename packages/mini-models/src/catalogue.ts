/** What stands in `models/`, and for what. */

/** A model of this package, by name. */
export interface CatalogueEntry {
  /** What the model is, in a line. */
  description: string;
  /** The tasks of `@weft/pipelines` that it can do, by their own names and with language pairs. */
  tasks: readonly string[];
}

/** In the order in which a task takes the first that can do it. */
export const catalogue = {
  'gpt2-mini': {
    description: "a GPT-2 that has read children's classics and fairy tales",
    tasks: ['text-generation'],
  },
  'bert-mini': {
    description: 'a BERT that learnt from masked words and from a larger teacher',
    tasks: ['fill-mask', 'feature-extraction'],
  },
  'bert-mini-sentiment': {
    description: 'bert-mini, taught to tell praise from blame',
    tasks: ['text-classification'],
  },
  'bert-mini-sentiment-3': {
    description: 'bert-mini, taught to tell negative, neutral and positive apart',
    tasks: ['text-classification'],
  },
  'bert-mini-qa': {
    description: 'bert-mini, taught to find the answer to a question in a text',
    tasks: ['question-answering'],
  },
  't5-mini-translation': {
    description: 'a T5 that translates plain English sentences into German and French',
    tasks: ['translation', 'translation_en_to_de', 'translation_en_to_fr'],
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

/** The names of the models. */
export type MiniModelName = keyof typeof catalogue;

/** Other names of tasks, as pipelines take them. */
export const aliases: Readonly<Record<string, string>> = {
  'sentiment-analysis': 'text-classification',
};
