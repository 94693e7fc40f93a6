"""The probe of generative models: the log-likelihood of each of a few answers, given an image and a question.

Free-text answers are not asked for: an answer is one of those that the question names.
"""
