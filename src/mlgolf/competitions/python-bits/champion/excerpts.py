"""Which paragraphs of a text to store: those that explain the rest best, for what they take."""

import heapq

import numpy as np

# What a character takes on average when the longest known text that ends in it has 0, 1, 2, … of
# them: measured on what the champion does not store.
BITS = np.array([14.7, 10.6, 6.3, 3.9, 2.4, 1.6, 1.3, 0.9, 0.7, 0.6, 0.5, 0.4])
LONGEST = len(BITS) - 1
START = 6  # bits, until the model knows that it is in a paragraph that it stores
SHORTEST = 150  # characters of a paragraph
NEWLINE, SPACE = 1, 2


def chosen(text, window, most):
    """The stored text, in the order of the text, once it has about `most` characters.

    Greedy: the paragraph that saves most for each of its characters comes next.
    """
    text = text.astype(np.int64)
    search, paragraphs, stored = Search(text, window), split(text), []
    waiting = [(-np.inf, place) for place in range(len(paragraphs))]
    while waiting and sum(map(len, stored)) < most:
        _, place = heapq.heappop(waiting)
        start, end = paragraphs[place]
        gain = search.gain(start, end)
        worth = -gain / (end - start)
        # Gains only fall as more is stored, nearly: who was behind before need not be asked again.
        if waiting and worth > waiting[0][0]:
            heapq.heappush(waiting, (worth, place))
        elif gain <= 0:
            break
        else:
            search.store(start, end)
            stored.append(range(start, end))
    parts = sorted(stored, key=lambda part: part.start)
    return unwrapped(text[np.concatenate(parts)]).astype(np.uint8)


def unwrapped(text):
    """With a space for each line break inside a paragraph: the model guesses these by the column.

    Breaks beside others, and before a line that is indented, stay.
    """
    before, after = np.roll(text, 1), np.roll(text, -1)
    inside = (text == NEWLINE) & (before != NEWLINE) & (after != NEWLINE) & (after != SPACE)
    return np.where(inside, SPACE, text)


def split(text):
    """(start, end) of paragraphs: they end in an empty line."""
    empty = np.flatnonzero((text[1:] == NEWLINE) & (text[:-1] == NEWLINE)) + 2
    cuts = [0]
    for cut in empty:
        if cuts[-1] + SHORTEST <= cut < len(text):
            cuts.append(int(cut))
    return list(zip(cuts, [*cuts[1:], len(text)], strict=True))


class Search:
    """What is known of each character while paragraphs are stored one by one."""

    def __init__(self, text, window):
        self._numbers = list(substrings(text))  # length - 1 -> (text,): which substring ends here
        self._ends = [ends_of(numbers) for numbers in self._numbers]
        self._known = [np.zeros(numbers.max() + 1, bool) for numbers in self._numbers]
        self._matched = matches(text, window)  # longest, in the window or what is stored
        self._in_stored = np.zeros(len(text), np.int64)  # the same, in what is stored alone
        self._stored = np.zeros(len(text), bool)

    def gain(self, start, end):
        """Bits that storing a paragraph saves, if storing takes what it would to say it by BITS."""
        places, lengths = self._explained(start, end)
        others = ~self._stored[places] & ((places < start) | (places >= end))
        before = self._matched[places]
        saved = (BITS[before] - BITS[np.maximum(before, lengths)])[others].sum()
        own = BITS[self._matched[start:end]].sum()
        return saved + own - BITS[self._in_stored[start:end]].sum() - START

    def store(self, start, end):
        places, lengths = self._explained(start, end)
        for found in (self._matched, self._in_stored):
            found[places] = np.maximum(found[places], lengths)
        self._stored[start:end] = True
        for length, numbers in enumerate(self._numbers, 1):
            self._known[length - 1][numbers[start + length - 1 : end]] = True

    def _explained(self, start, end):
        """Places in the text where substrings end that are new, and the longest of each."""
        longest = np.zeros(len(self._stored), np.int64)
        for length, numbers in enumerate(self._numbers, 1):
            here = np.unique(numbers[start + length - 1 : end])
            order, starts = self._ends[length - 1]
            for number in here[~self._known[length - 1][here]]:
                longest[order[starts[number] : starts[number + 1]]] = length
        places = np.flatnonzero(longest)
        return places, longest[places]


def substrings(text):
    """For each length up to LONGEST, a number for the substring that ends at each place."""
    numbers = np.zeros(len(text), np.int64)
    for length in range(1, LONGEST + 1):
        first = np.concatenate([np.zeros(length - 1, np.int64), text[: len(text) - length + 1]])
        numbers = np.unique(numbers * (text.max() + 1) + first, return_inverse=True)[1]
        yield numbers


def ends_of(numbers):
    """Places in order of their numbers, and where each number starts in that order."""
    order = np.argsort(numbers, kind="stable")
    return order, np.searchsorted(numbers[order], np.arange(numbers.max() + 2))


def matches(text, window):
    """(text,): how long a substring ends here that the window before has, up to LONGEST."""
    longest, places = np.zeros(len(text), np.int64), np.arange(len(text))
    for back in range(1, window):
        same = np.zeros(len(text), bool)
        same[back:] = text[back:] == text[:-back]
        np.maximum(longest, places - np.maximum.accumulate(np.where(same, -1, places)), out=longest)
    return np.minimum(longest, LONGEST)
