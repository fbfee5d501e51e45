variable "int" {
  type    = number
  default = 42
}

variable "text_of_int" {
  type    = string
  default = 42
}

variable "int_of_text" {
  type    = number
  default = "42"
}

variable "bool_of_text" {
  type    = bool
  default = "true"
}

variable "text_of_bool" {
  type    = string
  default = false
}

variable "float" {
  default = 0.1
}

variable "exponent" {
  default = 1e3
}

variable "negative" {
  default = -7.50
}

variable "large" {
  default = 9007199254740993
}

variable "larger" {
  default = 18446744073709551616
}

variable "precise" {
  default = 0.12345678901234567891
}

variable "null" {
  type    = string
  default = null
}

variable "empty_list" {
  type    = list(string)
  default = []
}

variable "set" {
  type    = set(string)
  default = ["b", "a", "b"]
}

variable "numbers" {
  type    = list(number)
  default = ["1", 2, "3.5"]
}

variable "map" {
  type = map(string)
  default = {
    "a b"  = 1
    c      : true
    (3)    = "x"
    "d${4}" = "y"
  }
}

variable "optional" {
  type = object({
    a = string
    b = optional(number, 5)
    c = optional(string)
  })
  default = {
    a = 1
  }
}

variable "mixed" {
  default = [1, "a", true, null, { k = [] }, [[]]]
}

variable "escapes" {
  default = "a\"b\\c\nd\te $${x} %%{y} $ % $$ {} é"
}

variable "template" {
  default = "a${"b"}c${1 }d${true}"
}

variable "wrapped" {
  default = ("x")
}

variable "interpolated" {
  default = "${7}"
}

variable "not" {
  default = !false
}

variable "product" {
  type    = number
  default = 60 * 60
}

variable "conditional" {
  default = true ? "a" : "b"
}

variable "comprehension" {
  default = [for x in [1, 2] : x * 2]
}

variable "directive" {
  default = "%{if true}yes%{else}no%{endif}"
}

variable "index" {
  default = ["a", "b"][1]
}

variable "required" {}
