/**
 * The form by which two user names are the same: NFKC and lower case. By way of upper case, since only that makes `ß` and `ss`,
 * or the two small sigmas, one; and once more, since a fold can bring out what folds again.
 */
export const foldName = (name: string): string => foldOnce(foldOnce(name))
const foldOnce = (name: string): string => name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
