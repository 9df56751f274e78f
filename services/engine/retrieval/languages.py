"""Which language a text is in, as far as stemming needs to know, and the stem of a word in it.

A word's script names its stemmer; only in the scripts of several languages (Latin, Arabic) do the
text's own most frequent small words decide. Stems of such languages carry a tag, so that a word is
never taken for another language's stem, and a query need not know its own language: it is stemmed
in each language that the index holds.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain

# The languages that share a script with others, each with its most frequent small words. The first
# of a script is what an undecided text is stemmed as; it has no tag.
LATIN = {
    "english": "the a of and to in is was that for it with as on by are from this which be at an "
    "or he she they we i were been has have had not no but if his her their its what who how when "
    "where would does did can could will you your all more there said so",
    "german": "der die das und ist nicht ein eine einen einem einer zu den dem des mit von für "
    "auf im auch sich wird wurde werden sind als aus bei nach wie was wer welche ich "
    "sie wir",
    "french": "le la les des et est dans que qui une un du pour pas sur au par avec il elle ce "
    "cette sont ont aux plus nous vous je était quel quelle où être",
    "spanish": "el la los las de y en que un una es por con para del se no su al como más fue "
    "son lo pero sus este esta qué cuál cuándo dónde quién está muy",
    "italian": "il lo la gli le di e che un una è per con non del della dei delle nel nella si "
    "sono da come più anche alla al fu ha questo questa chi perché",
    "portuguese": "o os as um uma de e do da dos das em no na que é para com não por se mais foi "
    "ao são como mas ele ela você qual quando onde quem está",
    "dutch": "de het een en van in is dat niet op te zijn met voor die er aan ook als om door "
    "wordt werd naar bij uit maar ik je wat wie hoe waar deze",
    "swedish": "och att det som en ett på är av för med den till inte har de om var jag han hon "
    "från men så vad vem hur när kan ska också eller",
    "danish": "og at det som en et på er af for med den til ikke har de om var jeg han hun fra "
    "men så hvad hvem hvordan kan skal også eller blev efter",
    "norwegian": "og å at det som en et på er av for med den til ikke har de om var jeg han hun "
    "fra men så hva hvem hvordan kan skal også eller ble etter",
    "finnish": "ja on ei se että oli hän joka ovat mutta kuin myös ne mitä missä kun niin tai "
    "ole tämä jos sen minä sinä he olla voi vain",
    "hungarian": "a az és hogy nem egy is volt ez meg csak de van mint vagy mert már azt ki el "
    "amely voltak lett hol mi még után minden",
    "romanian": "și în de la cu nu este care pe o un din mai pentru sunt a fost că ce au lui prin "
    "sau dar ale unde când cine dacă după",
    "turkish": "ve bir bu da de için ile çok olarak ne gibi daha olan var kadar değil ama en o "
    "sonra nasıl kim mi mı her ki veya",
    "catalan": "el la els les de i en que un una és per amb no del dels al als més va són com "
    "però aquest aquesta què qui quan on està seva",
    "polish": "i w na z się nie jest do to że o jak po co od za przez dla przy był była ale są "
    "który która oraz czy jego jej ich",
    "czech": "a v na je se to že s z do o ne jako který která pro po ale by byl byla jsou jsem "
    "nebo tak při až jeho co kdo když",
    "indonesian": "yang dan di dari untuk dengan pada ini itu adalah dalam tidak ke akan oleh juga "
    "sebagai ada atau karena saya kami apa siapa mereka telah",
    "lithuanian": "ir yra kad į su iš ne tai buvo kaip bet ar po už apie jis ji šis kuris nuo prie "
    "dėl kas taip arba",
    "estonian": "ja on ei et see oli kui mis ka ning ta oma aga seda kes või selle nii olid pole "
    "kus siis mida veel",
}
ARABIC = {
    "arabic": "في من على إلى أن التي الذي هذا هذه عن مع كان كانت ما لم لا هو هي كما بين قد",
    "persian": "و در به از که این را با است برای آن یک خود تا بر هم می شد بود های چه",
}
FAMILIES = (LATIN, ARABIC)
SCRIPTS = (
    ("Ͱ", "Ͽ", "greek"),
    ("Ѐ", "ԯ", "russian"),
    ("԰", "֏", "armenian"),
    ("ऀ", "ॿ", "hindi"),
    ("஀", "௿", "tamil"),
    ("ἀ", "῿", "greek"),
)
# Stemmed words are in small letters, so a capital behind one is no part of it. Beyond ASCII,
# because the index folds ASCII capitals.
TAGS = {
    name: chr(ord("À") + number)
    for number, name in enumerate(chain(list(LATIN)[1:], list(ARABIC)[1:]))
}
SAMPLE = 300  # words
EVIDENCE = 0.04  # votes a word
LEAST = 12  # words: in fewer, one small word of a single language is not enough
_PUNCTUATION = ".,;:!?…\"'()[]«»„“”‘’¿¡،؟۔"

_STRAIGHT = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe"})
# One letter in several shapes, as keyboards and writers mix them.
_ARABIC_SHAPES = str.maketrans("أإآٱىیک", "ااااييك", "ـ")
# "The", with "and", "in", "for" and the like before it; the stemmer knows few of them together.
_ARTICLES = re.compile(r"^[وف]?(?:[بك]?ال|لل)(?=\w{3})")
_PERSIAN_SHAPES = str.maketrans("أإآٱىيكةۀ", "ااااییکهه", "ـ")


def language_of(words: Sequence[str]) -> str | None:
    """The language of a text's words in its script of several languages; None when undecided.

    A name in ``TAGS``; None also stands for the languages without a tag.
    """
    votes: defaultdict[str, float] = defaultdict(float)
    known = _small_words()
    for word in words[:: len(words) // SAMPLE + 1]:
        for language, weight in known.get(word.strip(_PUNCTUATION).lower(), ()):
            votes[language] += weight
    if not votes:
        return None
    best = max(votes, key=lambda language: votes[language])
    enough = votes[best] >= EVIDENCE * max(LEAST, min(len(words), SAMPLE))
    return best if enough and best in TAGS else None


def is_small(word: str) -> bool:
    """Whether it is one of the most frequent words of any language, in small letters."""
    return word in _small_words()


@cache
def _small_words() -> dict[str, list[tuple[str, float]]]:
    """Each small word with its languages; one of several languages speaks less for each."""
    spoken: defaultdict[str, list[str]] = defaultdict(list)
    for family in FAMILIES:
        for language, words in family.items():
            for word in words.split():
                spoken[word].append(language)
    return {
        word: [(language, 1 / len(languages) ** 1.5) for language in languages]
        for word, languages in spoken.items()
    }


def stem(word: str, language: str | None) -> str:
    """The stem of a word in small letters, in a text of this language, with its tag if any."""
    first = word[0]
    if first <= "ɏ" or "Ḁ" <= first <= "ỿ":
        name = language if language in LATIN else "english"
        return _plain(_stemmer(name)(word)) + TAGS.get(name, "")
    if "\u0600" <= first <= "ۿ":
        if language == "persian":
            bare = _plain(word).translate(_PERSIAN_SHAPES)
            return (_stemmer("persian")(bare) or bare) + TAGS["persian"]
        bare = _ARTICLES.sub("ال", _plain(word).translate(_ARABIC_SHAPES))
        # Often written for the ending that the stemmer knows; a stem loses either.
        if len(bare) > 3 and bare.endswith("ه"):
            bare = f"{bare[:-1]}ة"
        return _stemmer("arabic")(bare) or bare
    if "֐" <= first <= "׿":
        return _plain(word)
    for begin, end, name in SCRIPTS:
        if begin <= first <= end:
            if name == "russian":
                return _plain(_stemmer(name)(_unstressed(word)))
            stemmed = _stemmer(name)(word)
            return _plain(stemmed) if name == "greek" else stemmed
    return word


def stems(word: str, languages: Sequence[str]) -> list[str]:
    """The word's different stems in texts that are in one of these languages, or undecided."""
    return list(dict.fromkeys(stem(word, language) for language in (None, *languages)))


def _plain(word: str) -> str:
    """Without accents; what others write as one letter in two or without its stroke, likewise."""
    if word.isascii():
        return word
    apart = unicodedata.normalize("NFD", word)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare).translate(_STRAIGHT)


def _unstressed(word: str) -> str:
    return word.replace("ё", "е").replace("\u0301", "").replace("\u0300", "")


@cache
def _stemmer(name: str) -> Callable[[str], str]:
    # Late: only an engine that indexes or searches needs it.
    import Stemmer  # type: ignore[import-not-found]  # it has no types

    stem_word: Callable[[str], str] = Stemmer.Stemmer(name, 0).stemWord
    lock = threading.Lock()  # its stemmers are not made for several threads at once

    def locked(word: str) -> str:
        with lock:
            return stem_word(word)

    return locked
