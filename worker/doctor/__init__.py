"""The doctor: looks at everything that the product stands on, and says what is wrong, what it means and how to mend it.

Reads only. Each look is bounded in time and fails by itself; none needs the others. Every finding has an id of the
catalogue, which the operators' page is written from.
"""
