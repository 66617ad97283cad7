/** The part of Eleventy that the site uses; it brings no types. */
declare module '@11ty/eleventy' {
  import type { MarkdownIt } from 'markdown-it';

  export interface EleventyConfig {
    setLibrary(name: 'md', reader: MarkdownIt): void;
    addFilter(name: string, filter: (text: string) => unknown): void;
    addGlobalData(name: string, value: unknown): void;
    addTemplate(path: string, text: string, data: object): void;
  }

  export default class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { configPath: false; quietMode: boolean; config(eleventy: EleventyConfig): object },
    );
    write(): Promise<void>;
  }
}
