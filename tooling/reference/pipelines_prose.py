"""Prose of our own, to train the tokenizers of the fixtures with and to ask questions about."""

PROSE = [
    "The old weaver of Larkholm kept her loom by the north window, where the light was even all day long.",
    "Every spring the river Ossel rose, and the weavers carried their warps up to the granary on the hill.",
    "Marta Quill learned the trade from her grandmother, who had learned it from a sailor called Jonas Reed.",
    "A warp is the set of threads that are held tight; the weft is the thread that goes over and under them.",
    "In 1874 the town built its first mill, and within ten years forty looms were turning under one roof.",
    "The mill burned down on a windy night in March 1891; nobody was hurt, but the great bell was lost.",
    "Two brothers, Emil and Tobias Fenn, bought the ground for nine hundred crowns and planted pear trees.",
    "Their pears were sold as far away as Vinterhavn, a harbour city that lies three days to the south.",
    "Ships from Vinterhavn brought indigo, salt and oranges, and took home wool, paper and honey.",
    "The captain of the Blue Heron, Ada Morrow, never sailed without a cat and a barrel of apples.",
    "When the fog came in from the sea, the keeper of the lighthouse rang a bell every four minutes.",
    "Children said that the bell under the water answered, and that it was the bell of the burned mill.",
    "Doctor Ilse Brandt measured the fog for seven winters and wrote a book of tables about it.",
    "Her book was printed in Königsbrück in an edition of two hundred copies, of which twelve are left.",
    "The café on the market square, Café Zoë, still keeps one of them behind the counter.",
    "Today Larkholm has a school, a library, a bakery and a museum of looms that opens on Sundays.",
    "The library was a gift of the Fenn family; its reading room looks out over the pear trees.",
    "On the first of May the whole town walks to the river, and the youngest weaver throws in a red ribbon.",
    "Nobody remembers why the ribbon is red, although the schoolmaster has four theories about it.",
    "One theory says that red was the colour of Marta Quill's first cloth, a shawl for her sister Agnes.",
    "Another says that it stands for the fire, and that the river is thanked for stopping it at the bridge.",
    "The bridge, which has five arches, is the oldest thing in town; it was begun in 1622 and took eleven years.",
    "It is said that its builder, Piet van Aalst, was paid in cheese, candles and a horse named Oats.",
    "Travellers who cross it at night are asked to whistle, so that the owls know who is coming.",
    "In the naïve paintings of Søren Åberg the owls are always larger than the houses and smile a little.",
    "His largest painting, twelve feet wide, hangs in the town hall and shows the flood of 1903.",
    "The flood took the lower bakery, two boats and a piano, which was found in a field near Ossel Mouth.",
    "The piano still plays, but only in the key of G, and only when the weather is dry.",
    "translate English to German: the loom stands by the window. translate English to French: the sea is calm.",
    "summarize: the town built a mill, the mill burned down, and pear trees were planted where it had stood.",
    "<user>Who wove the shawl?</user> <assistant>Marta Quill wove it for her sister.</assistant>",
]


def story(start: int, sentences: int) -> str:
    """So many sentences in a row, from the beginning again where they end."""
    return " ".join(PROSE[(start + i) % 28] for i in range(sentences))
