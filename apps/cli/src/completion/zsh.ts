import { allVerbs, type Verb, type VerbOption } from './verbs.js';

/** A completion script for zsh, one function a verb. */
export function zshScript(root: Verb): string {
  const name = root.path[0]!;
  return `#compdef ${name}
# Completion of ${name} for zsh. To have it in every shell, write it to a folder of $fpath:
#   ${name} completion zsh > "\${fpath[1]}/_${name}"
${allVerbs(root).map(functionOf).join('\n')}
if [ "$funcstack[1]" = _${name} ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

const functionName = (path: readonly string[]): string => `_${path.join('_').replaceAll('-', '_')}`;

function functionOf(verb: Verb): string {
  const { path, verbs, words } = verb;
  const specs = verb.options.map(specOf);
  if (verbs.length === 0) {
    const argument = words.length > 0 ? `:word:(${words.join(' ')})` : '*:file:_files';
    return `${functionName(path)}() {
  _arguments -s ${[...specs, quote(argument)].join(' \\\n    ')}
}`;
  }
  return `${functionName(path)}() {
  local curcontext="$curcontext" state line
  local -a verbs=(
${verbs.map((child) => `    ${quote(`${child.path.at(-1)}:${child.about}`)}`).join('\n')}
  )
  _arguments -C ${[...specs, "'1: :->verb'", "'*:: :->rest'"].join(' \\\n    ')}
  case $state in
    verb) _describe verb verbs ;;
    rest)
      case $words[1] in
${verbs.map((child) => `        ${child.path.at(-1)}) ${functionName(child.path)} ;;`).join('\n')}
      esac ;;
  esac
}`;
}

function specOf({ long, short, about, takesValue, choices }: VerbOption): string {
  const explained = `[${about.replace(/[[\]\\]/g, '\\$&')}]`;
  const values = choices.length > 0 ? `(${choices.join(' ')})` : '_files';
  const tail = quote(`${explained}${takesValue ? `:value:${values}` : ''}`);
  return short ? `${quote(`(${short} ${long})`)}{${short},${long}}${tail}` : `${long}${tail}`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
