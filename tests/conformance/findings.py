"""What was checked and what was wrong, with the exceptions that `exceptions.toml` grants.

An exception is a place and a pattern of what is said there, with its reason; one that excuses nothing any
more is itself a finding.
"""

import fnmatch
import tomllib


class Findings:
    """Of one run."""

    def __init__(self, exceptions):
        with open(exceptions, "rb") as file:
            self.exceptions = tomllib.load(file).get("exceptions", [])
        for one in self.exceptions:
            assert one.keys() == {"part", "where", "what", "reason"}, f"not an exception: {one}"
        self.used = [False] * len(self.exceptions)
        self.checked = {}
        self.wrong = {}

    def check(self, part, where, *problems):
        """Counts one thing that was checked in a part, and tells what is wrong with it."""
        self.checked[part] = self.checked.get(part, 0) + 1
        for what in problems:
            if what and not self.is_excused(part, where, what):
                self.wrong.setdefault((part, where, what), 0)
                self.wrong[part, where, what] += 1

    def is_excused(self, part, where, what):
        """Whether an exception is granted; every one that fits counts as used."""
        found = False
        for index, one in enumerate(self.exceptions):
            places = [one["part"], one["where"], one["what"]]
            if all(fnmatch.fnmatchcase(text, glob.replace("[", "[[]")) for text, glob in zip((part, where, what), places)):
                self.used[index] = found = True
        return found

    def end(self):
        """Tells everything that is wrong; how much that is."""
        for one, used in zip(self.exceptions, self.used):
            if not used:
                where = f"{one['where']}: {one['what']}"
                self.wrong[one["part"], where, "this exception excuses nothing any more"] = 1
        for (part, where, what), times in self.wrong.items():
            print(f"{part}: {where}: {what}" + (f" ({times} times)" if times > 1 else ""))
        return len(self.wrong)
