import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const GLOSSARY = join(import.meta.dirname, '../../docs/glossary.md');

/** Returns the words forbidden in texts: those of the glossary's *Avoid:* lines without another meaning. */
export function avoidedWords(glossary = readFileSync(GLOSSARY, 'utf8')): string[] {
  const lists = [...glossary.matchAll(/^\*Avoid:\* (.+)\.$/gm)].map(([, list = '']) => list);
  return lists.flatMap((list) => list.split(/, (?![^(]*\))/)).filter((word) => !word.includes('('));
}

/** Returns every avoided word in a text, with its context. */
export function findAvoided(text: string, words: readonly string[]): string[] {
  const prose = proseOf(text);
  return words.flatMap((word) =>
    [...prose.matchAll(wordPattern(word))].map(({ index }) => {
      const around = prose.slice(Math.max(0, index - 40), index + word.length + 40).replaceAll(/\s+/g, ' ');
      return `"${word}" in: ${around.trim()}`;
    }),
  );
}

/** Matches plurals and verb forms, but not parts of names such as `callback-url`. */
const wordPattern = (word: string) =>
  new RegExp(`(?<![\\w/.@-])${word.replaceAll(' ', '\\s+')}(?:s|es|ed|ing)?(?![\\w@/-]|\\.\\w)`, 'gi');

/** Removes what only quotes names: code, options, placeholders, link targets, and the lists of avoided words. */
function proseOf(text: string): string {
  return text
    .replaceAll(/^\*Avoid:\*.*$/gm, '')
    .replaceAll(/^ *```(?:json|python|sql|ts|http|mermaid)[\s\S]*?^ *```$/gm, '')
    .replaceAll(/`[^`\n]+`/g, '``')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/--[a-z][\w-]*|<[^>\n]*>|"[\w.-]+"|https?:\S+/g, '');
}
