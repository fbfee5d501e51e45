variable "plain" {
  description = <<EOT
One line.
  Two, with "quotes" and a backslash \n.
EOT
  default     = ""
}

variable "indented" {
  description = <<-EOT
    One.

      Two.
    $${not} and %%{not}.
  EOT
  default     = <<-JSON
    {"a": "b"}
  JSON
}

variable "flush" {
  type        = string
  description = <<-END_OF_IT
  A marker with underscores.
      variable "no" {
      }
  EOT
  END_OF_IT
  default     = "x"
}

variable "tabs" {
  description = <<-EOT
	Tabs.
		More tabs.
	EOT
  default     = 1
}

variable "empty" {
  description = <<EOT
EOT
  default     = 1
}

output "text" {
  description = <<-EOT
    Of an output
  EOT
  value       = <<EOT
%{if true~}
yes }
%{else~}
no
%{endif~}
EOT
}

output "list" {
  value = [<<A
a
A
    , <<-B
      b
      B
  ]
}
