/** What stands in the named fields of a form. */
export function values<N extends string>(form: HTMLFormElement, names: readonly N[]): Record<N, string> {
  const data = new FormData(form)
  return Object.fromEntries(names.map((name) => [name, String(data.get(name) ?? '')])) as Record<N, string>
}

/** Leads to the first field that is wrong, in the order of the page. */
export function focusFirstError(form: HTMLFormElement, errors: Partial<Record<string, string>>): void {
  const inputs = [...form.elements].filter((element) => element instanceof HTMLInputElement)
  inputs.find((input) => errors[input.name])?.focus()
}
