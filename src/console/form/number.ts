/** Numbers as they are typed. Pure. */

/** A whole number as the API takes it. What is none goes as it was typed, and the API says what it takes. */
export function numberOf(text: string): number {
  return (/^\d{1,15}$/.test(text.trim()) ? Number(text) : text) as number;
}
