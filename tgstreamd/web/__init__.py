"""Figures for machines and a page for people, over HTTP, where `[metrics] listen` asks for it.

A package of five rooms: `meter` reads, `health` judges, `measures` and `metrics` put into Prometheus' words,
`answers` speaks HTTP, `listener` owns the port. Imported only when it is configured. Changes nothing.
"""
